import { redDot, shortBeep } from './media.ts';
import { encodeZip } from './zip.ts';

/** A small file and the facts that a tool reports about it, which may be absent or wrong. */
export interface Sample {
  readonly bytes: Uint8Array;
  readonly mime_type?: string;
  readonly filename?: string;
}

const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document';
const WORD = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><script>alert(1)</script><rect width="8" height="8"/></svg>';

/** Files of every kind that a result may contain, by a short name. */
export const SAMPLES: Readonly<Record<string, () => Sample>> = {
  png: () => ({ bytes: redDot(), mime_type: 'image/png', filename: 'dot.png' }),
  jpeg: () => ({ bytes: grayPixel(), mime_type: 'image/jpeg', filename: 'pixel.jpg' }),
  wav: () => ({ bytes: shortBeep(), mime_type: 'audio/wav', filename: 'beep.wav' }),
  mp3: () => ({ bytes: silence(), mime_type: 'audio/mpeg', filename: 'silence.mp3' }),
  pdf: () => ({ bytes: emptyPage(), mime_type: 'application/pdf', filename: 'page.pdf' }),
  docx: () => ({ bytes: letter(), mime_type: DOCX, filename: 'letter.docx' }),
  csv: () => ({
    bytes: Buffer.from('quarter,visitors\nQ1,1204\nQ2,1377\n'),
    mime_type: 'text/csv',
    filename: 'visitors.csv',
  }),
  'no extension': () => ({ bytes: Buffer.from([0, 1, 2, 3, 254, 255]), filename: 'measurements' }),
  'wrong type': () => ({ bytes: redDot(), mime_type: 'application/pdf', filename: 'scan.pdf' }),
  'page as picture': () => ({
    bytes: Buffer.from('<!doctype html><script>alert(1)</script>'),
    mime_type: 'image/png',
    filename: 'preview.png',
  }),
  'chinese name': () => ({
    bytes: Buffer.from('季度,访客\n一,1204\n'),
    mime_type: 'text/csv',
    filename: '季度 报告 2026.csv',
  }),
  empty: () => ({ bytes: Buffer.alloc(0), mime_type: 'text/plain', filename: 'empty.txt' }),
  html: () => ({
    bytes: Buffer.from('<!doctype html><title>Hello</title><script>alert(1)</script>'),
    mime_type: 'text/html',
    filename: 'page.html',
  }),
  svg: () => ({ bytes: Buffer.from(SVG), mime_type: 'image/svg+xml', filename: 'drawing.svg' }),
};

/** Returns a grey image of one pixel, as baseline JPEG. */
function grayPixel(): Uint8Array {
  const quantisation = `ffdb004300${'01'.repeat(64)}`;
  const frame = 'ffc0000b080001000101011100';
  const codes = `ffc400140001${'00'.repeat(15)}00ffc400141001${'00'.repeat(15)}00`;
  const scan = 'ffda0008010100003f003f';
  return Buffer.from(
    `ffd8ffe000104a46494600010100000100010000${quantisation}${frame}${codes}${scan}ffd9`,
    'hex',
  );
}

/** Returns three silent frames: MPEG 1 layer III, 128 kbit/s, 44,100 Hz, mono. */
function silence(): Uint8Array {
  const frame = Buffer.alloc(417);
  frame.write('fffb90c4', 'hex');
  return Buffer.concat([frame, frame, frame]);
}

/** Returns one empty page. */
function emptyPage(): Uint8Array {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>',
  ];
  let text = '%PDF-1.4\n';
  const places = objects.map((object, index) => {
    const place = text.length;
    text += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(place).padStart(10, '0')} 00000 n \n`;
  });
  const start = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${places.join('')}`;
  return Buffer.from(`${text}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`);
}

/** Returns a text document of one line. */
function letter(): Uint8Array {
  const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const schemas = 'http://schemas.openxmlformats.org';
  return encodeZip({
    '[Content_Types].xml': `${head}<Types xmlns="${schemas}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="${WORD}"/></Types>`,
    '_rels/.rels': `${head}<Relationships xmlns="${schemas}/package/2006/relationships"><Relationship Id="r1" Type="${schemas}/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>`,
    'word/document.xml': `${head}<w:document xmlns:w="${schemas}/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Dear reader</w:t></w:r></w:p></w:body></w:document>`,
  });
}
