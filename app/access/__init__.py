"""Who is calling: API keys, sign-in links and browser sessions."""
