// The engine's code, compiled once per instruction set.

#include "products.hpp"
#include "network.hpp"
#include "beam.hpp"
