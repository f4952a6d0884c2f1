"""What a visitor sees: maps, charts, legends and the pages' frame; the only Streamlit code."""
