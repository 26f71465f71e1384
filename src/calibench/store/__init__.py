"""What is kept: things in a database, files by content hash, all in one data folder."""
