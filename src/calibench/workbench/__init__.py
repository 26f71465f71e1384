"""The one door for faces: everything that REST and pages can ask for."""
