"""Lists of picks that are looked at, thresholded, judged, corrected and exported."""
