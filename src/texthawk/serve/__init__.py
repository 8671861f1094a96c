"""HTTP: an OpenAI-compatible endpoint, documents to upload and read, and a web page; one model, batched over requests."""
