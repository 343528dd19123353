"""Songs as sound.

=================  =============================================================================
`wav`              `to_wav` and `write_wav`: which synthesizer, limits, levels, 16 bits
`soundfont`        FluidSynth with pretty_midi's SoundFont, where both are there
`synth`            our own: parts to two channels, with numpy alone
`tones`, `drums`   its sounds
=================  =============================================================================
"""
