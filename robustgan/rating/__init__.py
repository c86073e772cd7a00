"""What people say of the images: a blind sheet to rate, and what the filled-in sheets are worth."""
