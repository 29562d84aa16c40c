// The code of one instruction set, in the namespace NATIVE_LEVEL; forgets what `levels.hpp` defined for it.
namespace NATIVE_LEVEL {
#include "vectors.hpp"
#include NATIVE_BODY
}
#undef NATIVE_LEVEL
#undef NATIVE_BF16
#undef NATIVE_DOT_PRODUCT
#undef NATIVE_LANES
#undef NATIVE_PANEL_VECTORS
#undef NATIVE_TILE_ROWS
