"""Tables of texts as samples."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from calibench.datasets.inputs import plan_inputs
from calibench.datasets.labelled_texts import read_texts
from calibench.datasets.text_table import read_rows
from calibench.datasets.texts import is_text_table, open_texts
from calibench.errors import DatasetError
from calibench.settings import DataSettings, Settings

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "good", "bad", "film", "a", "very")


def write_tokenizer(folder, **padding):
    own = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    own.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    if padding:
        own.enable_padding(**padding)
    folder.mkdir(exist_ok=True)
    own.save(str(folder / "tokenizer.json"))


@pytest.fixture
def table(tmp_path):
    """Write a table with a tokenizer beside it."""

    def write(text, name="a.csv"):
        write_tokenizer(tmp_path)
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def opened(net):
    """Open a table for a model with the given inputs."""

    def make(path, data=None, near=(), **inputs):
        inputs = inputs or {"input_ids": ([-1, -1], np.int64), "attention_mask": ([-1, -1], np.int64)}
        return open_texts(path, plan_inputs(net(**inputs), Settings(), images=False), data or DataSettings(), near)

    return make


def rows(path):
    return [row.cells for row in read_rows(path)]


SIMPLE = "text,label\na good film,1\na bad film,0\n"


def test_a_text_fills_ids_and_mask_at_its_own_length(table, opened):
    texts = opened(table(SIMPLE))
    assert len(texts) == 2
    assert texts.labels == (1, 0)
    sample = texts[0]
    assert sample["input_ids"].tolist() == [[2, 7, 4, 6, 3]]
    assert sample["attention_mask"].tolist() == [[1, 1, 1, 1, 1]]
    assert sample["input_ids"].dtype == np.int64


def test_a_model_of_fixed_length_gets_padded_texts_of_its_type(table, opened):
    names = ("input_ids", "attention_mask", "token_type_ids", "position_ids")
    texts = opened(table(SIMPLE), **{name: ([1, 8], np.int32) for name in names})
    sample = texts[0]
    assert sample["input_ids"].tolist() == [[2, 7, 4, 6, 3, 0, 0, 0]]
    assert sample["attention_mask"].tolist() == [[1, 1, 1, 1, 1, 0, 0, 0]]
    assert sample["token_type_ids"].tolist() == [[0] * 8]
    assert sample["position_ids"].tolist() == [list(range(8))]
    assert {array.dtype for array in sample.values()} == {np.dtype("int32")}


def test_a_pair_is_told_apart_by_its_types(table, opened):
    path = table("premise,hypothesis,label\na good film,good film,entailment\na film,bad film,contradiction\n")
    texts = opened(path, input_word_ids=([-1, 12], np.int32), segment_ids=([-1, 12], np.int32))
    assert texts.about.classes == ("contradiction", "entailment")
    assert texts.labels == (1, 0)
    assert texts[0]["input_word_ids"].tolist() == [[2, 7, 4, 6, 3, 4, 6, 3, 0, 0, 0, 0]]
    assert texts[0]["segment_ids"].tolist() == [[0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("head", "values"),
    [("sentence1,sentence2", "a,b"), ("text_a,text_b", "a,b"), ("idx,question1,question2", "0,a,b")],
)
def test_pairs_are_found_by_usual_names(table, head, values):
    assert read_texts(table(f"{head},label\n{values},1\n"), DataSettings()).texts == (("a", "b"),)


def test_long_texts_are_cut_to_the_longest_or_to_the_model(table, opened):
    path = table("text\n" + "good " * 50 + "\n")
    assert opened(path, DataSettings(max_tokens=10))[0]["input_ids"].shape == (1, 10)
    short = opened(path, DataSettings(max_tokens=10), input_ids=([1, 6], np.int64))
    assert short[0]["input_ids"].tolist() == [[2, 4, 4, 4, 4, 3]]


def test_padding_is_as_the_tokenizer_says(table, opened, tmp_path):
    path = table("text\ngood\n")
    write_tokenizer(tmp_path, direction="left", pad_id=5, pad_token="bad")
    assert opened(path, input_ids=([1, 5], np.int64))[0]["input_ids"].tolist() == [[5, 5, 2, 4, 3]]


def test_the_only_input_takes_the_ids_whatever_its_name(table, opened):
    assert opened(table(SIMPLE), **{"serving_x": ([-1, -1], np.int64)})[0]["serving_x"].shape == (1, 5)


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_separators_are_found(table, separator, name):
    text = SIMPLE.replace(",", separator) + f"so so; or, so{separator}1\n".replace("; or, so", "")
    assert read_texts(table(text, name), DataSettings()).labels == (1, 0, 1)


def test_commas_in_the_texts_of_one_column_separate_nothing(table):
    path = table("Well, I liked it.\nIt was long\nBad, bad, bad.\nGood\n")
    assert read_texts(path, DataSettings()).texts[2] == ("Bad, bad, bad.",)


def test_quotes_hold_separators_and_line_ends_together(table):
    path = table('text,label\n"good, and\nlong",1\n"he said ""no""",0\n')
    found = read_texts(path, DataSettings())
    assert found.texts == (("good, and\nlong",), ('he said "no"',))
    assert found.lines == (2, 4)


def test_a_lone_quote_in_a_tsv_is_part_of_the_text(table):
    path = table('sentence\tlabel\n"good\t1\nbad film\t0\nalso bad\t0\n', "a.tsv")
    found = read_texts(path, DataSettings())
    assert found.texts == (('"good',), ("bad film",), ("also bad",))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_a_name(table, encoding):
    assert read_texts(table("text,label\nschön 猫,1\n".encode(encoding)), DataSettings()).texts == (("schön 猫",),)


def test_another_encoding_is_refused_with_its_line(table):
    path = table("text,label\ngood,1\nschön,1\n".encode("latin-1"))
    with pytest.raises(DatasetError) as error:
        read_texts(path, DataSettings())
    assert str(error.value) == f"{path}: line 3 is not in UTF-8. Save the file as UTF-8."


def test_old_line_ends_count(table):
    assert read_texts(table(SIMPLE.replace("\n", "\r\n")), DataSettings()).labels == (1, 0)
    assert read_texts(table(SIMPLE.replace("\n", "\r")), DataSettings()).labels == (1, 0)


@pytest.mark.parametrize(
    ("text", "texts", "labels"),
    [
        ("good film\nbad film\n", ["good film", "bad film"], None),
        ("good film,1\nbad film,0\na film,1\nno,0\n", ["good film", "bad film", "a film", "no"], (1, 0, 1, 0)),
        ("pos,good film\nneg,bad film\nneg,no\npos,yes\n", ["good film", "bad film", "no", "yes"], (1, 0, 0, 1)),
        ("1,good,film\n0,bad,no\n1,so,film?\n0,a,b\n", ["good/film", "bad/no", "so/film?", "a/b"], (1, 0, 1, 0)),
        ("one text,its twin\nanother,more\n", ["one text/its twin", "another/more"], None),
        ("1,good film,1\n2,bad film,0\n3,film,1\n4,no,0\n", ["good film", "bad film", "film", "no"], (1, 0, 1, 0)),
    ],
)
def test_without_a_header_columns_are_told_by_their_content(table, text, texts, labels):
    found = read_texts(table(text), DataSettings())
    assert (["/".join(each) for each in found.texts], found.labels) == (texts, labels)


def test_a_word_above_numbers_is_a_header(table):
    found = read_texts(table("what was said,how\ngood film,1\nbad film,0\nfilm,1\nno,0\n"), DataSettings())
    assert (len(found.texts), found.labels) == (4, (1, 0, 1, 0))


def test_settings_overrule_the_names(table):
    path = table("text,label,other,kind\na,1,x,0\nb,1,y,1\n")
    found = read_texts(path, DataSettings(text_columns=("other",), label_column="kind"))
    assert (found.texts, found.labels) == ((("x",), ("y",)), (0, 1))


def test_a_missing_column_is_refused_with_those_that_are_there(table):
    path = table(SIMPLE)
    with pytest.raises(DatasetError) as error:
        read_texts(path, DataSettings(text_columns=("sentence",)))
    assert str(error.value) == f"{path}: there is no column sentence. Its columns: text, label."


def test_texts_that_cannot_be_told_are_refused(table):
    with pytest.raises(DatasetError, match=r"the column of the texts cannot be told\. Its columns: a, b, c, n\."):
        read_texts(table("a,b,c,n\nx1,y1,z1,1\nx2,y2,z2,2\n"), DataSettings())


def test_a_labels_file_gives_the_order(table, tmp_path):
    (tmp_path / "labels.txt").write_text("pos\nneg\n")
    path = table("text,label\na,neg\nb,pos\nc,so so\n")
    found = read_texts(path, DataSettings(labels=tmp_path / "labels.txt"))
    assert (found.labels, found.classes) == ((1, 0), ("pos", "neg"))
    assert [str(problem) for problem in found.problems] == [
        "a.csv: line 4 names class 'so so', which is not among the 2 classes"
    ]


def test_numbers_stay_and_get_names_from_a_labels_file(table, tmp_path):
    (tmp_path / "labels.txt").write_text("neg\npos\n")
    path = table("text,label\na,1\nb,0.0\nc,5\n")
    assert read_texts(path, DataSettings()).labels == (1, 0, 5)
    found = read_texts(path, DataSettings(labels=tmp_path / "labels.txt"))
    assert (found.labels, found.classes, len(found.problems)) == ((1, 0), ("neg", "pos"), 1)


def test_rows_without_text_or_class_or_with_another_width_are_left_out_and_told(table):
    path = table("text,label\na,pos\n,pos\nb,-\nc\nd,neg\n\n")
    found = read_texts(path, DataSettings())
    assert (found.texts, found.labels, found.classes) == ((("a",), ("d",)), (1, 0), ("neg", "pos"))
    assert [str(problem) for problem in found.problems] == [
        "a.csv: line 3 has no text",
        "a.csv: line 5 has 1 columns, the table has 2",
        "a.csv: line 4 names class '-', which is not among the 2 classes",
    ]


@pytest.mark.parametrize("values", [("-1", "-1"), ("3.8", "0.25")])
def test_a_column_that_holds_no_classes_leaves_the_set_without_labels(table, values):
    found = read_texts(table(f"text,label\na,{values[0]}\nb,{values[1]}\n"), DataSettings())
    assert found.labels is None
    assert len(found.problems) == 1


def test_empty_tables_are_refused(table):
    for text in ("", "\n\n", "text,label\n", "text,label\n,1\n"):
        with pytest.raises(DatasetError, match="no row"):
            read_texts(table(text), DataSettings())


def test_a_cell_without_end_is_refused(table):
    with pytest.raises(DatasetError, match=r"a cell has more than 131,072 characters\. Cut the text\."):
        read_texts(table("text,label\n" + "a" * 200_000 + ",1\n"), DataSettings())


def test_the_tokenizer_is_looked_for_beside_the_table_then_near(table, opened, tmp_path):
    path = table(SIMPLE)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(DatasetError) as error:
        opened(path)
    assert str(error.value) == (
        f"{path}: texts need the tokenizer of the model, and no tokenizer.json lies beside the dataset or the model. "
        "Put it there, or name it with --tokenizer."
    )
    write_tokenizer(tmp_path / "model")
    assert opened(path, near=(tmp_path / "model",))[0]["input_ids"].shape == (1, 5)
    assert opened(path, DataSettings(tokenizer=tmp_path / "model" / "tokenizer.json"))[0]["input_ids"].shape == (1, 5)
    with pytest.raises(DatasetError, match=r"there is no such file\. Give the tokenizer\.json of the model\."):
        opened(path, DataSettings(tokenizer=tmp_path / "none.json"))


def test_a_broken_tokenizer_is_refused(table, opened, tmp_path):
    path = table(SIMPLE)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"tokenizer\.json: this is no tokenizer \("):
        opened(path)


def test_an_input_that_texts_cannot_fill_is_named(table, opened):
    path = table(SIMPLE)
    with pytest.raises(DatasetError, match=r"^Texts cannot fill input pixel_values \[\?, 3, 8, 8\] of the model\."):
        opened(path, input_ids=([-1, -1], np.int64), pixel_values=[-1, 3, 8, 8])
    with pytest.raises(DatasetError, match=r"^Texts cannot fill input input_ids \[4, 8\]"):
        opened(path, input_ids=([4, 8], np.int64))
    with pytest.raises(DatasetError, match=r"several lengths at once \(input_ids \[1, 8\], attention_mask \[1, 9\]\)"):
        opened(path, input_ids=([1, 8], np.int64), attention_mask=([1, 9], np.int64))
    with pytest.raises(DatasetError, match="none of which takes the numbers of tokens"):
        opened(path, attention_mask=([1, 8], np.int64), token_type_ids=([1, 8], np.int64))


def test_the_identity_is_of_the_text(table, opened):
    texts = opened(table("text,label\na,1\nb,0\na,0\n"))
    assert texts.identity(0) == texts.identity(2) != texts.identity(1)
    assert len(texts.identity(0)) == 64


def test_a_sample_is_described_by_its_line_and_the_beginning_of_its_text(table, opened):
    texts = opened(table(f'text,label\n"a\ngood film",1\n{"very " * 30},0\n'))
    assert texts.describe(0).name == "line 2: a good film"
    assert texts.describe(0).truth.label == 1
    assert len(texts.describe(1).name) == len("line 4: ") + 60
    assert texts.about.format == "text"
    assert texts.about.annotated == {"label"}
    assert texts.name.endswith("a.csv")


def test_beyond_the_end_is_an_index_error(table, opened):
    with pytest.raises(IndexError):
        opened(table(SIMPLE))[2]


def test_a_folder_with_one_table_is_one(table, opened, tmp_path, picture):
    path = table(SIMPLE)
    assert is_text_table(path)
    assert is_text_table(tmp_path)
    assert len(opened(tmp_path)) == 2
    picture(tmp_path / "pictures" / "a.png")
    assert not is_text_table(tmp_path)
    (tmp_path / "pictures" / "a.png").unlink()
    (tmp_path / "b.tsv").write_text(SIMPLE)
    assert not is_text_table(tmp_path)
    assert not is_text_table(tmp_path / "tokenizer.json")


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=30).filter(
    lambda text: text == text.strip()
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(TEXT, st.sampled_from(["yes", "no"])), min_size=3, max_size=30),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, written, separator):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL).writerows([("text", "label"), *written])
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")
    assert rows(path) == [("text", "label"), *written]
