"""The page code of every node: guards, rights, problems, events, locale, and the one visual language.

A node's boot calls `kiosk_ui.kit.app.make_app` and registers its own blueprints; the kit knows no feature.
"""
