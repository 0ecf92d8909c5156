"""Watches TikTok hashtag campaigns."""
