// The definitions of Boost.JSON, which Debian's development package ships as headers only.
#include <boost/json/src.hpp>
