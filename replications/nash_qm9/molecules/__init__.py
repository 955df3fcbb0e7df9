"""The properties of molecules: tasks."""
