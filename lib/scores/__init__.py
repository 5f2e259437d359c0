"""Jobs that apply metrics to pools and to trained networks."""
