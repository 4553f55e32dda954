/* All that the call page runs. The page loads it as one bundle (phonebank/core/bundles.py). */

import "./copy.js";
import "./call_help.js";
import "./call.js";
import "./call_joy.js";
