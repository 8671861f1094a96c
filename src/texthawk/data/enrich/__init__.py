"""Annotation by a teacher model behind an OpenAI-compatible endpoint, after TextHawk's DocGemini (section 4.1)."""
