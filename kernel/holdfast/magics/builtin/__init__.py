"""The magics that come with the kernel, one module each, imported when first used."""
