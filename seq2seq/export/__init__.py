"""The engine: trained models on a CPU, without torch, as fast as it goes."""
