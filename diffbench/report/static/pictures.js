// The figures that are deflated in the page: read when all else is there.

import { unsqueeze } from "./codec.js";

export async function showPictures() {
  for (const image of document.querySelectorAll("img[data-packed]")) {
    const bytes = await unsqueeze(image.dataset.packed);
    image.src = URL.createObjectURL(new Blob([bytes], { type: "image/svg+xml" }));
  }
}
