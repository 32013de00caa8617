"""Pages that belong to no feature: the frame, its navigation, health, figures and the API's description."""
