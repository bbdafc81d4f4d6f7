"""A module that is there and cannot be imported, as torch is when one of its libraries does not load."""

raise OSError('[WinError 126] Error loading "c10.dll" or one of its dependencies.')
