"""What is kept: things in a database, files by content hash, one data folder."""
