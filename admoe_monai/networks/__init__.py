"""Networks: layers (windows, position bias, gates), blocks (attention, experts, fusion) and nets built from them."""
