"""The formats that need more than Pillow does: TIFF, JPEG, PNG, HEIF and BMP, a module for each."""
