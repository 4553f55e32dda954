/* The modules of the call page. The page loads them as one bundle (phonebank/core/bundles.py). */

import "./copy.js";
import "./call_help.js";
import "./call.js";
import "./call_joy.js";
