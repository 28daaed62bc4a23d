//! A deterministic discrete-event kernel: virtual time, chance, links, block devices, durable stores, trace
