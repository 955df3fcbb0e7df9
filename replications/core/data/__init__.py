"""One reader per dataset; all yield the same labels under the same names."""
