"""What an author may put into an activity without taking the memory of everybody else's academy."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from saas.problems import Refused
from tenants.catalog import pictures
from tenants.catalog.blocks import read_number
from tenants.catalog.models import BlockKind
from tenants.catalog.pictures import store_picture
from tenants.catalog.services import Catalog
from tests.house import House


@pytest.mark.parametrize("text", ["1e-999999999", "-1e-40", "1E+15", "9e999999999", "0." + "0" * 40 + "1"])
def test_a_number_nobody_types_is_none(text: str) -> None:
    """Written out, ``1e-999999999`` is a text of a gigabyte."""
    assert read_number(text) is None


@pytest.mark.parametrize(("text", "value"), [("0", "0"), ("0e-999999999", "0"), ("1e3", "1000"), ("-0,001", "-0.001")])
def test_numbers_people_type_are_read(text: str, value: str) -> None:
    number = read_number(text)
    assert number is not None
    assert f"{number.normalize():f}" in (value, f"-{value}")


@pytest.mark.parametrize("field", ["number", "tolerance"])
@pytest.mark.parametrize("text", ["1e-999999999", "1e999999999"])
def test_a_question_takes_no_such_number_either(house: House, field: str, text: str) -> None:
    kit = house.academy()
    chapter = kit.activity().chapters[0]
    body = {"kind": "number", "prompt": "How many?", "number": "1", "tolerance": "0", field: text}
    with kit.session() as session:
        catalog = Catalog(session)
        with pytest.raises(Refused) as caught:
            catalog.create_block(catalog.chapter(chapter.id), BlockKind.QUESTION, body)
    assert caught.value.code == "BLOCK_INVALID"


@pytest.mark.filterwarnings("ignore:Metadata Warning")
@pytest.mark.parametrize(("place", "byte"), [(17, 0), (17, 9), (19, 11)])
def test_damaged_exif_is_no_fault_of_the_program(house: House, place: int, byte: int) -> None:
    kit, out, exif = house.academy(lti=False), io.BytesIO(), Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x8769] = 6, "hello", {0x9003: "x"}
    damaged = bytearray(exif.tobytes())
    damaged[place] = byte
    Image.new("RGB", (8, 8)).save(out, "JPEG", exif=bytes(damaged))
    with kit.session() as session, pytest.raises(Refused) as caught:
        store_picture(session, out.getvalue())
    assert caught.value.code == "PICTURE_INVALID"


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "I;16", "1", "CMYK"])
def test_pictures_of_every_mode_are_scaled_down(house: House, mode: str) -> None:
    kit, out = house.academy(lti=False), io.BytesIO()
    kind = "JPEG" if mode == "CMYK" else "PNG"
    Image.new(mode, (1700, 850)).save(out, kind)
    with kit.session() as session:
        media = store_picture(session, out.getvalue())
        assert (media.width, media.height) == (1600, 800)


def test_a_turned_picture_is_turned_back(house: House) -> None:
    kit, out, exif = house.academy(lti=False), io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (3200, 1600)).save(out, "JPEG", exif=exif.tobytes())
    with kit.session() as session:
        media = store_picture(session, out.getvalue())
        assert (media.width, media.height) == (800, 1600)


@pytest.mark.parametrize(("size", "taken"), [((5712, 4284), True), ((6000, 4200), False)])
def test_a_phones_photograph_passes_and_a_bomb_does_not(house: House, size: tuple[int, int], taken: bool) -> None:
    """25 million pixels of one colour fit in 150 kB and cost four bytes each as soon as they are read."""
    kit, out = house.academy(lti=False), io.BytesIO()
    Image.new("RGB", size).save(out, "JPEG" if taken else "PNG", **({} if taken else {"compress_level": 1}))
    with kit.session() as session:
        if taken:
            assert store_picture(session, out.getvalue()).width == pictures.MAX_SIDE
        else:
            with pytest.raises(Refused) as caught:
                store_picture(session, out.getvalue())
            assert caught.value.code == "PICTURE_TOO_LARGE"


def test_one_picture_is_read_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading takes memory for all its pixels: eight threads at once would take a gigabyte and more."""
    kit, out = house.academy(lti=False), io.BytesIO()
    Image.new("RGB", (2, 2)).save(out, "PNG")
    monkeypatch.setattr(pictures, "WAIT", 0.05)
    reading, done, scaled = threading.Event(), threading.Event(), pictures._scaled

    def slow(source: Image.Image) -> Image.Image:
        reading.set()
        done.wait(10)
        return scaled(source)

    monkeypatch.setattr(pictures, "_scaled", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(pictures._encode, out.getvalue())
        assert reading.wait(10)
        monkeypatch.setattr(pictures, "_scaled", scaled)
        try:
            with kit.session() as session, pytest.raises(Refused) as caught:
                store_picture(session, out.getvalue())
        finally:
            done.set()
        assert first.result()[1:] == (2, 2)
    assert kit.runtime.problems[caught.value.code].status == 429
    with kit.session() as session:
        assert store_picture(session, out.getvalue()).width == 2
