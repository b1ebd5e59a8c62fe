"""Which topics exist, which are this worker's, and the leases that say so."""
