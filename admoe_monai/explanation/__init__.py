"""Where a network looks: SmoothGrad, occlusion by region, their means over people, pictures."""
