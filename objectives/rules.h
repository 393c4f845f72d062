#pragma once

// Every rule, for those that run them.
#include "objectives/rule_sgd.h"  // IWYU pragma: export
