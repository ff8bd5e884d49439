"""What loaders are made of: strict readers of files, splits, checks and reports."""
