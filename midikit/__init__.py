"""Turn an AI song into MIDI that opens right."""
