"""What is written anew in a checkout from the tables of the program: pages of docs/, JSON Schemas."""
