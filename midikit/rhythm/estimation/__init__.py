"""How `estimate_beats` finds the beats: from onsets to pulses, levels, bars and confidences."""
