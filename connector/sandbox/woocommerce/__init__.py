"""A simulated WooCommerce 10.5.2 store: the parts of REST v3 that a connector uses, with a real store's effects.

Behaviour follows recordings of a real store (WordPress 6.9.4, HPOS order tables, 2026-11-22); `connector.sandbox.truth`
replays them. Not recorded, but so in WooCommerce's public source (github.com/woocommerce/woocommerce, 2026-11-22): the
low-stock e-mail, the notes about restocked and adjusted lines, and downloads that are fulfilled by themselves. From the
extensions' documents: tracking numbers (`tracking`). By analogy only: writing products, and orders of the classic checkout.
"""
