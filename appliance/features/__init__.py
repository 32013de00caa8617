"""What a box does for its people, one package a job; strangers to each other."""
