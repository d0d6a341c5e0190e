#include <zlib.h>

// inflateInit2 is a macro. `bits` -15 is a raw deflate stream, as zip files hold.
static inline int czlib_inflate_init(z_stream *stream, int bits) { return inflateInit2(stream, bits); }
