// The engine for one instruction set.

#include "products.hpp"
#include "network.hpp"
#include "beam.hpp"
