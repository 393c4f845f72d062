#pragma once

// Every rule, for those that run them.
#include "objectives/rule_adagrad.h"  // IWYU pragma: export
#include "objectives/rule_ftrl.h"     // IWYU pragma: export
#include "objectives/rule_saga.h"     // IWYU pragma: export
#include "objectives/rule_sdca.h"     // IWYU pragma: export
#include "objectives/rule_sgd.h"      // IWYU pragma: export
#include "objectives/rule_svrg.h"     // IWYU pragma: export
