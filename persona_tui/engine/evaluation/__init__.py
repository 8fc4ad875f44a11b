"""What really happened: experiments that were run, read from logs."""
