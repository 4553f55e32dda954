/* These rules refuse JavaScript that the oldest supported browsers can't run. `make lint` runs them where
   npm is.

   Our code uses no newer features, or first checks that the browser has them. Each feature that it checks is
   listed below, with the function that checks it. */

import compat from "eslint-plugin-compat";

import { known } from "./tools/known_to_browsers.js";

// docs/for-callers.md names these versions.
const PHONES = { safari: "14", safari_ios: "14", chrome: "80", chrome_android: "80", firefox: "78", firefox_android: "79" };
// board.js says more about televisions. Older ones use board_reload.js.
const TELEVISIONS = { chrome: "61" };

const phonebank = { rules: { known } };
// These are our own fields and methods and those of vendored libraries, with the names of newer browser features.
const OURS = ["destroy", "draw", "take", "first", "phone", "next"];
const rules = (browsers, asked) => ({
  "phonebank/known": ["error", { browsers, asked: [...OURS, ...asked] }],
  "no-undef": "error",
  "no-unused-vars": ["error", { caughtErrors: "none", args: "none" }],
  "no-restricted-syntax": [
    "error",
    { selector: "NewExpression[callee.name='FormData'][arguments.length>1]", message: "Safari has it since 16.4: use fieldsOf of forms.js." },
    { selector: "AssignmentExpression[operator=/^(\\|\\||&&|\\?\\?)=$/]", message: "Chrome has it since 85." },
    { selector: "Literal[value=/:(has|is|where)\\(|:not\\([^)]*,/]", message: "Chrome 80 knows no such selector." },
  ],
});
const window = [
  "addEventListener AbortController clearInterval clearTimeout CSS CustomEvent document DOMParser Event fetch File FormData Image",
  "getComputedStyle Intl localStorage location matchMedia MutationObserver navigator ResizeObserver scrollTo sessionStorage setInterval setTimeout",
  "URL URLSearchParams window XMLHttpRequest",
].join(" ").split(" ");
const globals = Object.fromEntries(window.map((name) => [name, "readonly"]));
const node = [
  "AbortController AbortSignal clearInterval clearTimeout console DOMException fetch Headers performance process",
  "ReadableStream Response setImmediate setInterval setTimeout URL URLSearchParams",
].join(" ").split(" ");
const nodeGlobals = Object.fromEntries(node.map((name) => [name, "readonly"]));

export default [
  { ignores: ["phonebank/static/vendor/**", ".venv/**", "var/**"] },
  {
    files: ["phonebank/static/js/*.js"],
    plugins: { compat, phonebank },
    settings: {
      browserslistConfigFile: false,
      browsers: ["safari 14", "ios_saf 14.0", "chrome 80", "firefox 78"],
      polyfills: ["navigator.wakeLock", "document.fullscreenEnabled"], // our code asks for these first: see below
    },
    languageOptions: { ecmaVersion: 2021, sourceType: "module", globals },
    rules: {
      ...rules(PHONES, []),
      "compat/compat": "error",
    },
  },
  {
    files: ["phonebank/static/js/forms.js"],
    rules: rules(PHONES, ["submitter"]), // buttonOf() asks whether it is there
  },
  {
    files: ["phonebank/static/js/softphone.js"],
    settings: { polyfills: ["AudioContext"] }, // showLevel() asks for it
    rules: rules(PHONES, ["AudioContext"]),
  },
  {
    files: ["phonebank/static/js/host_bar.js"],
    settings: { polyfills: ["AudioContext"] }, // unlockSound() asks for it
    rules: rules(PHONES, ["vibrate", "AudioContext"]), // alertHost() asks for the first
  },
  {
    files: ["phonebank/static/js/save_picture.js"],
    rules: rules(PHONES, ["share", "canShare"]), // prepareSharing() asks for them
  },
  {
    files: ["phonebank/static/js/call_joy.js"],
    rules: rules(PHONES, ["vibrate"]), // it asks for it
  },
  {
    files: ["phonebank/static/js/board.js", "phonebank/static/js/connection.js"],
    languageOptions: { ecmaVersion: 2018 },
    rules: {
      ...rules(TELEVISIONS, [
        "wakeLock", // stayAwake() asks whether it is there
        "fullscreenElement", // the page shows the button that uses these only where fullscreenEnabled is true
        "fullscreenEnabled",
        "exitFullscreen",
        "requestFullscreen",
      ]),
    },
  },
  { files: ["phonebank/static/js/board_reload.js"], languageOptions: { ecmaVersion: 5, sourceType: "script" } },
  {
    files: ["tests/**/*.js", "tests/**/*.mjs", "tools/*.js", "eslint.config.js"],
    // Node runs these files, with a document that the tests provide.
    languageOptions: { ecmaVersion: 2024, sourceType: "module", globals: { ...nodeGlobals, document: "readonly" } },
    rules: { "no-undef": "error", "no-unused-vars": ["error", { caughtErrors: "none", args: "none" }] },
  },
];
