// An encoder of animated GIF files (GIF89a with LZW compression).

/** Returns the content of an animation that repeats; each image is shown for some milliseconds. */
export function encodeGif(images, milliseconds) {
  const { width, height } = images[0];
  const palette = paletteOf(images);
  const bytes = [...text("GIF89a"), ...word(width), ...word(height), 0xf7, 0, 0];
  for (let i = 0; i < 256; i += 1) {
    const colour = palette.colours[i] ?? 0;
    bytes.push(colour >> 16, (colour >> 8) & 255, colour & 255);
  }
  bytes.push(0x21, 0xff, 11, ...text("NETSCAPE2.0"), 3, 1, 0, 0, 0);
  for (const image of images) {
    bytes.push(0x21, 0xf9, 4, 0, ...word(Math.round(milliseconds / 10)), 0, 0);
    bytes.push(0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0);
    const indices = new Uint8Array(width * height);
    for (let i = 0; i < indices.length; i += 1) indices[i] = palette.index(colourAt(image, i));
    for (const byte of compress(indices)) bytes.push(byte);
  }
  bytes.push(0x3b);
  return Uint8Array.from(bytes);
}

/** Returns the exact colours if there are at most 256, else 6 x 7 x 6 levels of RGB. */
function paletteOf(images) {
  const known = new Map();
  for (const image of images) {
    for (let i = 0; i < image.width * image.height && known.size <= 256; i += 1) {
      const colour = colourAt(image, i);
      if (!known.has(colour)) known.set(colour, known.size);
    }
  }
  if (known.size <= 256) {
    return { colours: [...known.keys()], index: (colour) => known.get(colour) };
  }
  const colours = [];
  for (let i = 0; i < 252; i += 1) {
    const levels = [Math.floor(i / 42) * 51, Math.round((Math.floor(i / 6) % 7) * 42.5), (i % 6) * 51];
    colours.push((levels[0] << 16) | (levels[1] << 8) | levels[2]);
  }
  const index = (colour) => Math.round((colour >> 16) / 51) * 42
    + Math.round(((colour >> 8) & 255) / 42.5) * 6 + Math.round((colour & 255) / 51);
  return { colours, index };
}

function colourAt(image, i) {
  const [red, green, blue] = [image.data[4 * i], image.data[4 * i + 1], image.data[4 * i + 2]];
  return (red << 16) | (green << 8) | blue;
}

/** Returns the blocks of an image's data, for indices of 8 bits. */
function compress(indices) {
  const [clear, end] = [256, 257];
  const output = [];
  let [held, bits, size, next] = [0, 0, 9, 258];
  let codes = new Map();
  const write = (code) => {
    held |= code << bits;
    bits += size;
    while (bits >= 8) {
      output.push(held & 255);
      held >>= 8;
      bits -= 8;
    }
  };
  write(clear);
  let prefix = indices[0];
  for (let i = 1; i < indices.length; i += 1) {
    const key = (prefix << 8) | indices[i];
    const code = codes.get(key);
    if (code !== undefined) {
      prefix = code;
      continue;
    }
    write(prefix);
    prefix = indices[i];
    if (next === 4096) {
      write(clear);
      [size, next, codes] = [9, 258, new Map()];
      continue;
    }
    codes.set(key, next);
    if (next === 1 << size) size += 1;
    next += 1;
  }
  write(prefix);
  write(end);
  if (bits) output.push(held & 255);
  const blocks = [8];
  for (let i = 0; i < output.length; i += 255) {
    const block = output.slice(i, i + 255);
    blocks.push(block.length);
    for (const byte of block) blocks.push(byte);
  }
  blocks.push(0);
  return blocks;
}

function word(number) {
  return [number & 255, number >> 8];
}

function text(letters) {
  return [...letters].map((letter) => letter.charCodeAt(0));
}
