"""Training on many devices with torch's own engines: shards of data, of matrices and of depth over one mesh."""
