/* A rule for eslint: the code uses only properties and methods that the oldest supported browsers have.

   MDN's table (@mdn/browser-compat-data) says since which version each browser has a member. eslint does not
   know the type of a value. So the rule refuses a name only if no interface exists that has such a member in
   all the browsers. A name that MDN does not know is our own. */

import { createRequire } from "node:module";

const bcd = createRequire(import.meta.url)("@mdn/browser-compat-data");

/* { name: [[support, isBuiltin], …] } over all interfaces. */
function membersByName() {
  const members = new Map();
  const add = (parent, isBuiltin) => {
    for (const [name, entry] of Object.entries(parent)) {
      if (name === "__compat" || !entry.__compat) continue;
      const plain = name.replace(/_(static|event)$/, "");
      if (!members.has(plain)) members.set(plain, []);
      members.get(plain).push([entry.__compat.support, isBuiltin]);
    }
  };
  for (const parent of Object.values(bcd.api)) add(parent, false);
  for (const parent of Object.values(bcd.javascript.builtins)) add(parent, true);
  return members;
}

const MEMBERS = membersByName();

function has(support, browser, version) {
  const statements = [support[browser] || []].flat();
  return statements.some(({ version_added: since, flags, prefix, version_removed: until }) => {
    if (!since || since === "preview" || flags || prefix) return false;
    if (until && parseFloat(until) <= parseFloat(version)) return false;
    // "≤83" means that nobody has tested older versions.
    return since === true || since.startsWith("≤") || parseFloat(since) <= parseFloat(version);
  });
}

export const known = {
  meta: { type: "problem", schema: [{ type: "object" }] },
  create(context) {
    const { browsers, asked } = context.options[0];
    const lacking = (support) => Object.entries(browsers).filter(([name, version]) => !has(support, name, version));
    return {
      MemberExpression(node) {
        const isOurs = node.object.type === "ThisExpression" || (node.object.property || {}).name === "dataset";
        if (node.computed || isOurs || asked.includes(node.property.name)) return;
        const isCalled = node.parent.type === "CallExpression" && node.parent.callee === node;
        // A field of ours may have a builtin method's name, such as "at".
        const found = (MEMBERS.get(node.property.name) || []).filter(([, isBuiltin]) => isCalled || !isBuiltin);
        const without = found.map(([support]) => lacking(support));
        if (!without.length || without.some((browsersWithout) => !browsersWithout.length)) return;
        const which = without[0].map(([name, version]) => `${name} ${version}`).join(", ");
        context.report({ node: node.property, message: `${node.property.name}: not in ${which}` });
      },
    };
  },
};
