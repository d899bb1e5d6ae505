// Builds elements. Nothing here, or anywhere on the page, parses HTML out of
// data: a part name is text and stays text.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(node.dataset, value);
    else if (name === "prop") Object.assign(node, value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

// h makes an HTML element: h("a", {href: "#"}, "text", child, [children]).
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

// s makes an SVG element.
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

// put replaces what is in a node.
export function put(node, ...children) {
  node.replaceChildren(...children.flat(Infinity).filter((c) => c !== undefined && c !== null && c !== false));
  return node;
}

// say changes a node's text only where it differs, so that screen readers and
// the layout are left alone.
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// hide shows or hides a node.
export function hide(node, hidden) {
  if (node.hidden !== hidden) node.hidden = hidden;
}
