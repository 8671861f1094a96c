"""Documents of many kinds with everything known about them, made from any text and this machine's fonts."""
