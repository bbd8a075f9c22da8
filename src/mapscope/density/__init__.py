"""Functions on maps: Fourier shells, filters, masks, resampling, sharpening."""
