"""Text to ranked moments: embeds passages, indexes their vectors and words, and answers questions."""
