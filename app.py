"""rsviz: the router. Names, icons, sections and order of the pages; nothing else."""

import streamlit as st

from rsviz.views import shell

shell.route(
    {
        "Look": [
            st.Page("pages/scene.py", title="Scene", icon=":material/landscape:", default=True)
        ],
        "Ask": [
            st.Page("pages/classify.py", title="Classify", icon=":material/category:"),
            st.Page("pages/time_series.py", title="Time series", icon=":material/timeline:"),
            st.Page("pages/super_resolve.py", title="Super-resolve", icon=":material/zoom_in:"),
            st.Page("pages/temperature.py", title="Temperature", icon=":material/thermostat:"),
            st.Page("pages/train.py", title="Train", icon=":material/school:"),
        ],
        "Understand": [
            st.Page("pages/internals.py", title="Internals", icon=":material/account_tree:"),
            st.Page("pages/errors.py", title="Errors", icon=":material/error_outline:"),
        ],
        "About": [st.Page("pages/catalogue.py", title="Catalogue", icon=":material/menu_book:")],
    }
)
