"""Writes the .tf files of the Terraform modules from the models of the resource types."""
