"""A folder per dataset, and what they share; all yield the same labels under the same names."""
